"""The emoji an app is likely to use, by Slack's names; an unknown name stays `:name:`."""

EMOJI = {
    "+1": "👍", "-1": "👎", "alarm_clock": "⏰", "arrow_right": "➡️", "arrows_counterclockwise": "🔄", "bar_chart": "📊",
    "bell": "🔔", "black_circle": "⚫", "black_square_button": "🔲", "boom": "💥", "broom": "🧹", "bulb": "💡",
    "calendar": "📆", "chart_with_upwards_trend": "📈", "clipboard": "📋", "clock3": "🕒", "computer": "💻",
    "construction": "🚧", "eyes": "👀", "exclamation": "❗", "file_folder": "📁", "fire": "🔥", "floppy_disk": "💾",
    "gear": "⚙️", "grey_exclamation": "❕", "grey_question": "❔", "hammer_and_wrench": "🛠️", "hand": "✋",
    "heavy_check_mark": "✔️", "heavy_multiplication_x": "✖️", "hourglass": "⌛", "hourglass_flowing_sand": "⏳",
    "information_source": "ℹ️", "key": "🔑", "large_blue_circle": "🔵", "large_green_circle": "🟢",  # noqa: RUF001
    "large_orange_circle": "🟠", "large_red_square": "🟥", "large_yellow_circle": "🟡", "link": "🔗", "lock": "🔒",
    "mag": "🔍", "memo": "📝", "negative_squared_cross_mark": "❎", "no_entry": "⛔", "no_entry_sign": "🚫",
    "package": "📦", "pager": "📟", "pause_button": "⏸️", "double_vertical_bar": "⏸️", "arrow_forward": "▶️",
    "phone": "☎️", "pushpin": "📌", "question": "❓", "raised_hand": "✋", "recycle": "♻️", "red_circle": "🔴",
    "repeat": "🔁", "rocket": "🚀", "rotating_light": "🚨", "shield": "🛡️", "sos": "🆘", "sparkles": "✨",
    "speech_balloon": "💬", "stopwatch": "⏱️", "tada": "🎉", "thumbsup": "👍", "thumbsdown": "👎", "timer_clock": "⏲️",
    "truck": "🚚", "twisted_rightwards_arrows": "🔀", "unlock": "🔓", "warning": "⚠️", "wastebasket": "🗑️",
    "wave": "👋", "white_check_mark": "✅", "white_circle": "⚪", "wrench": "🔧", "x": "❌", "zap": "⚡",
    "zzz": "💤", "octagonal_sign": "🛑", "black_square_for_stop": "⏹️", "inbox_tray": "📥", "outbox_tray": "📤",
}  # fmt: skip


def emoji(name: str) -> str:
    return EMOJI.get(name, f":{name}:")
