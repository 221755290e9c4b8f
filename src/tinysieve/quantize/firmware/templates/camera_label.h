// Runs the model on a camera's frames and says what it sees.
#ifndef CAMERA_LABEL_H_
#define CAMERA_LABEL_H_

#include <cstdint>

// Sets the model up; prints why where that fails.
bool SetUpModel(void (*print)(const char* line));

// Where to write the model's input, by ts_picture.h.
uint8_t* ModelInput();

// Runs the model and prints the label of the largest score and that score.
void PrintLabel(void (*print)(const char* line));

#endif
