"""The usual layouts of labelled folders, a file each: COCO, YOLO, Pascal VOC, images and masks."""
