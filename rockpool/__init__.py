"""rockpool: a local stand-in for StarRocks. It is not StarRocks."""
