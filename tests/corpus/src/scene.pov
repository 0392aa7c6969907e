#include "colors.inc"
camera { location <0, 2, -5> look_at <0, 1, 0> }
light_source { <4, 6, -4> White }
plane { y, 0 pigment { checker White Blue } finish { reflection 0.3 } }
sphere { <0, 1, 0>, 1 pigment { Red } finish { phong 0.8 reflection 0.2 } }
