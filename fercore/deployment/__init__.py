"""A trained network in use.

predict      a photograph, which emotion? pictures, folders, videos; several faces, calibrated, drawn
webcam       the same of a camera, in a browser
detect       where the faces of a picture are
export       one ONNX file that takes faces as the camera has them, and says what it is
score        how often that file is right on a data set, overall and by class
compress     smaller: weights taken out, weights rounded, channels taken out, integers throughout
runtimes     PyTorch, ONNX Runtime, OpenVINO and others, each as a function from images to logits
variants     one network in many smaller forms: what each answers, how large and how fast it is
timing       how long things take on a machine that is not idle, by NumPy and the standard library alone
videos       read and written, and cameras
memory       how much a forward pass takes, by batch
latency      how long it takes by TinyFER-Lite's protocol
benchmark    how long in every runtime side by side, and from a camera's frame to a label
bundle       one file that times networks on a small computer, by `timing`, which needs NumPy alone
model_card   its weights, and the card that says what they are
"""
