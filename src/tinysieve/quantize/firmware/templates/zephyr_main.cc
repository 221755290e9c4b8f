// Zephyr: the golden vectors on the console.
#include <cstdio>

#include "model_check.h"

static void Print(const char* line) { printf("%s\n", line); }

int main(void) { return CheckModel(Print); }
