"""SSDLite over MobileNetV2 and MobileDet, from torchvision's parts."""
