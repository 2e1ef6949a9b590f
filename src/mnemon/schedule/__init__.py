"""What moves when, and at what price: costs, policies, and a simulator to compare them in."""
