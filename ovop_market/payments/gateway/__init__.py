"""The hosted gateway (Midtrans Snap): what it says (standing), how it is asked (midtrans), and what
was not heard of in time (watch). Off unless it is configured."""
