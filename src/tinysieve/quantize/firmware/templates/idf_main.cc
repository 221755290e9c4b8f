// ESP-IDF: the golden vectors on the console.
#include <cstdio>

#include "model_check.h"

static void Print(const char* line) { printf("%s\n", line); }

extern "C" void app_main(void) { CheckModel(Print); }
