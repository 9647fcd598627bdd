"""What people read of a recording, and what they correct. No step of the flow waits for any of it.

live.py         the words there are while chunks arrive, and the gaps
"""
