// port/unwind.h - host: nothing beyond the contract.
#pragma once
