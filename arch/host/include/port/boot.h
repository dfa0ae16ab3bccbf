// port/boot.h - host: nothing beyond the contract.
#pragma once
