using System.Runtime.CompilerServices;

namespace NativeMm.AddressSpaces;

/// <summary>
/// Bytes of an <see cref="AddressSpace"/> that can be read in place until the lease is disposed, by the thread that took it. It costs two stores to a line of the
/// thread. The page stays in memory meanwhile; what others write may be seen or not, and after the page is copied because of a fork, unmapped or moved, it is not.
/// </summary>
public unsafe ref struct ReadLease
{
    private readonly ReadOnlySpan<byte> _span;
    private readonly ulong _hazard;
    private ulong* _word;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ReadLease(ulong* word, ulong hazard, byte* first, int length)
    {
        _word = word;
        _hazard = hazard;
        _span = new ReadOnlySpan<byte>(first, length);
    }

    /// <summary>The bytes: from the address on, as far as they lie in one piece of memory, at most as many as were asked for.</summary>
    /// <exception cref="ObjectDisposedException">The lease is disposed.</exception>
    public readonly ReadOnlySpan<byte> Span
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
