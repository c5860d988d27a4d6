"""YOLOX and YOLOv5: one trunk and neck, two heads, two assignments."""
