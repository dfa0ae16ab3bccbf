// port/io.h - host: device registers are plain memory that a test provides; there are no ports.
#pragma once

#define ARCH_HAS_PORT_IO 0

#define HOST_ACCESSORS_(bits) \
static inline u##bits mmio_read##bits(const volatile void *p) \
{ \
	return *(const volatile u##bits *)p; \
} \
static inline void mmio_write##bits(volatile void *p, u##bits v) \
{ \
	*(volatile u##bits *)p = v; \
}
HOST_ACCESSORS_(8)
HOST_ACCESSORS_(16)
HOST_ACCESSORS_(32)
HOST_ACCESSORS_(64)
#undef HOST_ACCESSORS_

#define HOST_PORTS_(bits) \
static inline u##bits port_in##bits(u16 port) \
{ \
	(void)port; \
	return (u##bits)~0u; \
} \
static inline void port_out##bits(u16 port, u##bits v) \
{ \
	(void)port; \
	(void)v; \
}
HOST_PORTS_(8)
HOST_PORTS_(16)
HOST_PORTS_(32)
#undef HOST_PORTS_
