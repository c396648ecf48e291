"""Who a list works for; the only room that joins protected characteristics to rows.

Here are findings VRU301 selection rate, VRU302 recall, VRU303 precision and VRU304 false omission rate. A gap is never
reported without an interval, and a group too small to judge is never a pass.
"""
