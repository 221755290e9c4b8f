/* How the emulator finds its way in a flat image: a table at the start of flash. Not needed on a real board. */
#include <stddef.h>
#include <stdint.h>

#include "model.h"

#ifndef TS_BOOT_RUN
#define TS_BOOT_RUN ts_model_run
#else
int TS_BOOT_RUN(void (*)(uint32_t, int));
#endif

extern char ts_code_start[], ts_code_end[], ts_constants_end[], ts_image_end[], ts_static_start[], ts_static_end[], ts_stack_top[];

__attribute__((noreturn)) static void ts_halt(void) {
    for (;;) {
    }
}

typedef struct {
    uint32_t magic;
    void (*halt)(void);
    void (*run)(void);
    void *(*input)(void);
    const void *(*output)(uint32_t);
    const char *code_start, *code_end, *constants_end, *image_end, *static_start, *static_end, *stack_top;
} ts_table;

__attribute__((section(".boot"), used)) const ts_table ts_boot_table = {
    UINT32_C(0x54534d31), ts_halt, (void (*)(void))TS_BOOT_RUN, ts_model_input, ts_model_output_at,
    ts_code_start, ts_code_end, ts_constants_end, ts_image_end, ts_static_start, ts_static_end, ts_stack_top};

/* Compilers may call these by themselves; there is no library on a bare machine. */
void *memcpy(void *restrict to, const void *restrict from, size_t bytes) {
    unsigned char *t = to;
    const unsigned char *f = from;
    while (bytes-- > 0) {
        *t++ = *f++;
    }
    return to;
}

void *memset(void *to, int value, size_t bytes) {
    unsigned char *t = to;
    while (bytes-- > 0) {
        *t++ = (unsigned char)value;
    }
    return to;
}

/* The names under which ARM's binary interface calls the same; note the order of memset's arguments. */
void __aeabi_memcpy(void *to, const void *from, size_t bytes);
void __aeabi_memcpy4(void *to, const void *from, size_t bytes);
void __aeabi_memset(void *to, size_t bytes, int value);
void __aeabi_memclr(void *to, size_t bytes);
void __aeabi_memclr4(void *to, size_t bytes);
void __aeabi_memclr8(void *to, size_t bytes);

void __aeabi_memcpy(void *to, const void *from, size_t bytes) {
    memcpy(to, from, bytes);
}

void __aeabi_memcpy4(void *to, const void *from, size_t bytes) {
    memcpy(to, from, bytes);
}

void __aeabi_memset(void *to, size_t bytes, int value) {
    memset(to, value, bytes);
}

void __aeabi_memclr(void *to, size_t bytes) {
    memset(to, 0, bytes);
}

void __aeabi_memclr4(void *to, size_t bytes) {
    memset(to, 0, bytes);
}

void __aeabi_memclr8(void *to, size_t bytes) {
    memset(to, 0, bytes);
}
