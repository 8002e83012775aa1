namespace NativeMm.Platform;

/// <summary>
/// Reads <c>/proc/self/maps</c> piece by piece and keeps the borders of areas that lie inside a range, without managed memory. Each line begins with
/// <c>start-end</c> in hexadecimal digits, and the lines come in the order of their addresses.
/// </summary>
/// <param name="address">First byte of the range.</param>
/// <param name="bytes">Its length.</param>
/// <param name="borders">Where the borders go, in ascending order.</param>
internal ref struct AreaBorders(nuint address, nuint bytes, Span<nuint> borders)
{
    private readonly Span<nuint> _borders = borders;
    private readonly nuint _end = address + bytes;
    private nuint _number;
    private bool _isInNumbers = true;
    private bool _isFull = borders.IsEmpty;

    /// <summary>Borders found so far. When there are as many as fit, there may be more behind the last one.</summary>
    public int Count { get; private set; }

    /// <summary>Whether nothing behind what was read can matter any more.</summary>
    public readonly bool IsDone => _isFull;

    /// <summary>Reads the next piece of the text, which may begin and end anywhere in a line.</summary>
    public void Feed(ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty && !_isFull)
        {
            if (!_isInNumbers)
            {
                int lineEnd = text.IndexOf((byte)'\n');
                _isInNumbers = lineEnd >= 0;
                text = lineEnd < 0 ? default : text[(lineEnd + 1)..];
                continue;
            }

            byte character = text[0];
            text = text[1..];
            if (char.IsAsciiHexDigit((char)character))
            {
                _number = (_number << 4) | DigitOf(character);
                continue;
            }

            // The start is followed by a dash, the end by a space.
            Note(_number);
            _number = 0;
            _isInNumbers = character == (byte)'-';
        }
    }

    private static nuint DigitOf(byte character) => (nuint)(character <= (byte)'9' ? character - '0' : (character | 0x20) - 'a' + 10);

    private void Note(nuint border)
    {
        if (border >= _end)
        {
            _isFull = true;
        }
        else if (border > address && (Count == 0 || _borders[Count - 1] != border))
        {
            _borders[Count++] = border;
            _isFull = Count == _borders.Length;
        }
    }
}
