// Runs the golden vectors under TensorFlow Lite for Microcontrollers.
#ifndef MODEL_CHECK_H_
#define MODEL_CHECK_H_

// Prints a line per vector and PASS or FAIL through `print`; gives the number of vectors that differ, -1 where the model
// could not be set up.
int CheckModel(void (*print)(const char* line));

#endif
