# zlib's inflate, for gzipped initramfs images: fetched (tools/sources.txt), compiled into the kernel as it is. lib/gunzip.c is its
# only user. Z_SOLO: no libc and no allocation of its own; Z_PREFIX: its names begin with z_.

ZLIB_SRC := build/src/zlib
ZLIB_FLAGS := -DZ_SOLO -DZ_PREFIX -DZLIB_CONST -isystem $(ZLIB_SRC)
ZLIB_OBJS := $(foreach f,inflate inftrees inffast zutil crc32 adler32,$(B)/zlib/$f.o)
KERNEL_OBJS += $(ZLIB_OBJS)
GEN_HEADERS += $(ZLIB_SRC)/.stamp
DEFINES += $(ZLIB_FLAGS)

$(ZLIB_SRC)/.stamp: tools/sources.txt tools/fetch
	$(Q)tools/fetch zlib $(ZLIB_SRC)
	@touch $@

# Somebody else's code: our warnings do not apply.
$(ZLIB_OBJS): $(B)/zlib/%.o: $(ZLIB_SRC)/.stamp $(B)/flags | $(UAPI)/.stamp
	$(call say,CC,zlib/$*.c)
	$(Q)$(CC) $(filter-out -W%,$(CFLAGS)) -w -DHAVE_MEMCPY -include lib/string.h -MMD -MP -c -o $@ $(ZLIB_SRC)/$*.c
