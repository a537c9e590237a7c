"""A trained network in use.

latency      how long it takes for an image
model_card   its weights, and the card that says what they are
"""
