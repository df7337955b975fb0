"""What machine this is: processor, Jetson module, memory, GPU."""
