// Pico SDK: the golden vectors on USB, again and again, so that a terminal opened late sees them too.
#include <cstdio>

#include "model_check.h"
#include "pico/stdlib.h"

static void Print(const char* line) { printf("%s\n", line); }

int main() {
  stdio_init_all();
  for (;;) {
    sleep_ms(3000);
    CheckModel(Print);
  }
}
