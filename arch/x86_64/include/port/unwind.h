// port/unwind.h - x86_64: nothing beyond the contract.
#pragma once
