using System.Buffers;

namespace NativeMm.Extensions;

/// <summary>Takes what a tier gives, up to a bound: a tier that went mad must not fill the process.</summary>
/// <param name="bytesMax">The bound.</param>
internal sealed class TierWriter(int bytesMax) : IBufferWriter<byte>
{
    private const int FirstBytes = 1024;
    private byte[] _bytes = [];
    private int _written;

    /// <summary>What was written.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _written);

    /// <inheritdoc/>
    public void Advance(int count)
    {
        if (count < 0 || count > _bytes.Length - _written)
        {
            throw new ArgumentOutOfRangeException(nameof(count), count, $"{count} bytes are more than there was room for, {_bytes.Length - _written}.");
        }

        _written += count;
    }

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Grow(int.Max(sizeHint, 1));
        return _bytes.AsMemory(_written);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    private void Grow(int count)
    {
        if (count <= _bytes.Length - _written)
        {
            return;
        }

        long wanted = (long)_written + count;
        if (wanted > bytesMax)
        {
            throw new InvalidDataException($"The tier gave more than the {bytesMax} bytes that an entry may have.");
        }

        Array.Resize(ref _bytes, (int)long.Min(long.Max(wanted, long.Max(FirstBytes, 2L * _bytes.Length)), bytesMax));
    }
}
