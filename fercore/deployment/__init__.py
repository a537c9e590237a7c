"""A trained network in use.

predict      a photograph, which emotion? pictures, folders, videos; several faces, calibrated, drawn
webcam       the same of a camera, in a browser
detect       where the faces of a picture are
export       one ONNX file that takes faces as the camera has them, and says what it is
memory       how much a forward pass takes, by batch
latency      how long it takes for an image
model_card   its weights, and the card that says what they are
"""
