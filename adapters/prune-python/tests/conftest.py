"""What all tests start from."""

import signal

# Python and its children ignore Ctrl-C if a shell started them in the background, as a CI may. The tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)
