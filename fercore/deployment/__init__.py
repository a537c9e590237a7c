"""A trained network in use.

predict      a photograph, which emotion? pictures, folders, videos; several faces, calibrated, drawn
webcam       the same of a camera, in a browser
detect       where the faces of a picture are
export       one ONNX file that takes faces as the camera has them, and says what it is
compress     smaller: weights taken out, weights rounded, channels taken out, integers throughout
runtimes     PyTorch, ONNX Runtime, OpenVINO and others, each as a function from images to logits
latency      how long it takes: in every runtime side by side, and from a camera's frame to a label
timing       the same of NumPy alone; what `bundle` puts into one file for a small computer
model_card   its weights, and the card that says what they are
"""
