"""Which pretrained network should I start from, and how sure am I?"""

__version__ = "0.1.0"
