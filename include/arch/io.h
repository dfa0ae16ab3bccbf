// include/arch/io.h - device registers: memory-mapped and (where they exist) ports. Code: port/io.h.
//
// One access each, of the width named, in program order with other device accesses. The address is a virtual one of
// ioremap(). ARCH_HAS_PORT_IO is 1 where in/out instructions exist; elsewhere the port functions read all-ones.
#pragma once
#include "lib/compiler.h"
#include "lib/types.h"

static inline u8 mmio_read8(const volatile void *p);
static inline u16 mmio_read16(const volatile void *p);
static inline u32 mmio_read32(const volatile void *p);
static inline u64 mmio_read64(const volatile void *p);
static inline void mmio_write8(volatile void *p, u8 v);
static inline void mmio_write16(volatile void *p, u16 v);
static inline void mmio_write32(volatile void *p, u32 v);
static inline void mmio_write64(volatile void *p, u64 v);
static inline u8 port_in8(u16 port);
static inline u16 port_in16(u16 port);
static inline u32 port_in32(u16 port);
static inline void port_out8(u16 port, u8 v);
static inline void port_out16(u16 port, u16 v);
static inline void port_out32(u16 port, u32 v);

#include "port/io.h"
