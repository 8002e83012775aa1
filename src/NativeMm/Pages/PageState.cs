namespace NativeMm.Buffers;

/// <summary>How a page is kept and in how many bytes, in 32 bits: the kind in the lowest two, the length above.</summary>
internal readonly struct PageState : IEquatable<PageState>
{
    private const int KindBits = 2;
    private const uint KindMask = (1u << KindBits) - 1;

    private readonly uint _word;

    public PageState(PageKind kind, int bytes)
    {
        _word = (uint)kind | ((uint)bytes << KindBits);
    }

    public PageKind Kind => (PageKind)(_word & KindMask);

    /// <summary>Bytes of its objects: the compressed length, the page's length when it is kept as it is, 0 when it is same-filled.</summary>
    public int Bytes => (int)(_word >> KindBits);

    public bool Equals(PageState other) => _word == other._word;

    public override bool Equals(object? obj) => obj is PageState other && Equals(other);

    public override int GetHashCode() => (int)_word;
}
