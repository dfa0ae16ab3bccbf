// port/io.h - x86_64.
#pragma once

#define ARCH_HAS_PORT_IO 1

#define MMIO_ACCESSORS_(bits, suf, con) \
static ALWAYS_INLINE u##bits mmio_read##bits(const volatile void *p) \
{ \
	u##bits v; \
	__asm__ volatile("mov" suf " %1, %0" : "=" con(v) : "m"(*(const volatile u##bits *)p) : "memory"); \
	return v; \
} \
static ALWAYS_INLINE void mmio_write##bits(volatile void *p, u##bits v) \
{ \
	__asm__ volatile("mov" suf " %1, %0" : "=m"(*(volatile u##bits *)p) : con(v) : "memory"); \
}
MMIO_ACCESSORS_(8, "b", "q")
MMIO_ACCESSORS_(16, "w", "r")
MMIO_ACCESSORS_(32, "l", "r")
MMIO_ACCESSORS_(64, "q", "r")
#undef MMIO_ACCESSORS_

#define PORT_ACCESSORS_(bits, suf) \
static ALWAYS_INLINE u##bits port_in##bits(u16 port) \
{ \
	u##bits v; \
	__asm__ volatile("in" suf " %1, %0" : "=a"(v) : "Nd"(port) : "memory"); \
	return v; \
} \
static ALWAYS_INLINE void port_out##bits(u16 port, u##bits v) \
{ \
	__asm__ volatile("out" suf " %0, %1" : : "a"(v), "Nd"(port) : "memory"); \
}
PORT_ACCESSORS_(8, "b")
PORT_ACCESSORS_(16, "w")
PORT_ACCESSORS_(32, "l")
#undef PORT_ACCESSORS_
