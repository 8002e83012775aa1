using System.Runtime.CompilerServices;

namespace NativeMm.AddressSpaces;

/// <summary>
/// Bytes of an <see cref="AddressSpace"/> that can be read and written in place until the lease is disposed, by the thread that took it. It costs two stores to a line
/// of the thread. The page stays in memory meanwhile, and a fork gives the other space a copy of its own, made at once.
/// </summary>
public unsafe ref struct WriteLease
{
    private readonly Span<byte> _span;
    private readonly ulong _hazard;
    private ulong* _word;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal WriteLease(ulong* word, ulong hazard, byte* first, int length)
    {
        _word = word;
        _hazard = hazard;
        _span = new Span<byte>(first, length);
    }

    /// <summary>The bytes: from the address on, as far as they lie in one piece of memory, at most as many as were asked for.</summary>
    /// <exception cref="ObjectDisposedException">The lease is disposed.</exception>
    public readonly Span<byte> Span
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            LeaseWords.ThrowIfEnded(_word);
            return _span;
        }
    }

    /// <summary>Ends the lease.</summary>
    /// <exception cref="InvalidOperationException">A copy of the lease was disposed before.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Dispose()
    {
        ulong* word = _word;
        _word = null;
        LeaseWords.End(word, _hazard);
    }
}
