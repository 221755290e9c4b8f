/* The core's own cycle counter, where it has one: TS_HAS_CYCLES says so. It counts modulo 2^32. */
#ifndef TS_CYCLES_H
#define TS_CYCLES_H

#include <stdint.h>

#if defined(__XTENSA__)

#define TS_HAS_CYCLES 1

static inline void ts_cycles_start(void) {
}

static inline uint32_t ts_cycles(void) {
    uint32_t now;
    __asm__ volatile("rsr.ccount %0" : "=a"(now));
    return now;
}

#elif defined(__riscv) && defined(ESP_PLATFORM)

/* Espressif's RISC-V cores count in a register of their own. */
#include "esp_cpu.h"

#define TS_HAS_CYCLES 1

static inline void ts_cycles_start(void) {
}

static inline uint32_t ts_cycles(void) {
    return esp_cpu_get_cycle_count();
}

#elif defined(__riscv)

#define TS_HAS_CYCLES 1

/* Bit 0 of mcountinhibit stops mcycle: an RP2350 starts so. */
static inline void ts_cycles_start(void) {
    __asm__ volatile("csrci 0x320, 1");
}

static inline uint32_t ts_cycles(void) {
    uint32_t now;
    __asm__ volatile("csrr %0, 0xb00" : "=r"(now));
    return now;
}

#elif defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__) || defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)

/* The data watchpoint and trace unit of a Cortex-M3 and later: trace on, the Cortex-M7's lock off, counter on. */
#define TS_HAS_CYCLES 1
#define TS_REGISTER(address) (*(volatile uint32_t *)UINT32_C(address))

static inline void ts_cycles_start(void) {
    TS_REGISTER(0xE000EDFC) |= UINT32_C(1) << 24;
    TS_REGISTER(0xE0001FB0) = UINT32_C(0xC5ACCE55);
    TS_REGISTER(0xE0001000) |= 1;
}

static inline uint32_t ts_cycles(void) {
    return TS_REGISTER(0xE0001004);
}

#else

#define TS_HAS_CYCLES 0

static inline void ts_cycles_start(void) {
}

static inline uint32_t ts_cycles(void) {
    return 0;
}

#endif

#endif
