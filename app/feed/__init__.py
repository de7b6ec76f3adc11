"""What happened, as customers read it: event objects, their types, and the ways to follow them."""
