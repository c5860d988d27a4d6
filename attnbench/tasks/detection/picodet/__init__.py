"""PicoDet (Yu et al. 2021, arXiv 2111.00902) over any backbone."""
