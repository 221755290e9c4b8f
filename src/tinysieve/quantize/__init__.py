"""From a trained Keras model to a measured int8 .tflite: conversion, inspection, interpreters, verdict."""
