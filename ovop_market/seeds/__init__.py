"""Data to begin with: the demo of CONTRACT.md (`demo`) and synthetic bulk (`scale`).

The content of the demo is in the `demo_*` modules beside it; its pictures are in drawings/.
"""
