using NativeMm.AddressSpaces;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Holdings;

/// <summary>A pin of a few pages and what they hold. Their frames are nobody else's as long as it lasts, which the shadow map is told.</summary>
internal sealed unsafe class PinnedPages
{
    private readonly PagePin _pin;
    private readonly ulong[] _stamps;
    private readonly bool[] _areLeft;

    /// <summary>Takes possession.</summary>
    /// <param name="pin">The pin, which ends with this.</param>
    /// <param name="first">Its first page, counted from that of the holding.</param>
    /// <param name="stamps">What its pages hold.</param>
    /// <param name="owner">Whose it is.</param>
    public PinnedPages(PagePin pin, int first, ulong[] stamps, Owner owner)
    {
        (_pin, First, _stamps, _areLeft) = (pin, first, stamps, new bool[stamps.Length]);
        ForEachRun((address, bytes) => owner.Shadow.Claim(address, bytes, owner.Number, $"pin of {owner}"));
    }

    /// <summary>The first page.</summary>
    public int First { get; }

    /// <summary>Behind the last.</summary>
    public int End => First + _stamps.Length;

    /// <summary>A page was written through its memory: the pin shows it, unless the page was given up before.</summary>
    public void Wrote(int page, ulong stamp)
    {
        if (page >= First && page < End && !_areLeft[page - First])
        {
            _stamps[page - First] = stamp;
        }
    }

    /// <summary>A page was given up, and the pin goes on showing what it held.</summary>
    public void Left(int page)
    {
        if (page >= First && page < End)
        {
            _areLeft[page - First] = true;
        }
    }

    /// <summary>Writes to a page through the pin, if that is allowed.</summary>
    /// <returns>Whether the memory shows it.</returns>
    public bool TryWrite(int page, ulong stamp)
    {
        if (_pin.Access != PageAccess.Write)
        {
            return false;
        }

        StampedPage.Fill(PageAt(page - First), stamp);
        _stamps[page - First] = stamp;
        return !_areLeft[page - First];
    }

    /// <summary>Compares all pages.</summary>
    public void Check(Owner owner)
    {
        for (int page = First; page < End; page++)
        {
            StampedPage.Check(PageAt(page - First), _stamps[page - First], $"pin of {owner}", page);
        }
    }

    /// <summary>Compares a last time and lets go.</summary>
    public void Release(Owner owner)
    {
        Check(owner);
        ForEachRun((address, bytes) => owner.Shadow.Yield(address, bytes, owner.Number, $"pin of {owner}"));
        _pin.Dispose();
    }

    private Span<byte> PageAt(int place)
    {
        long skip = (long)place * StampedPage.PageBytes;
        for (int run = 0; ; run++)
        {
            ReadOnlySpan<byte> bytes = _pin.GetReadOnlySpan(run);
            if (skip < bytes.Length)
            {
                fixed (byte* first = bytes)
                {
                    return new Span<byte>(first + skip, StampedPage.PageBytes);
                }
            }

            skip -= bytes.Length;
        }
    }

    private void ForEachRun(Action<nuint, nuint> act)
    {
        for (int run = 0; run < _pin.RunCount; run++)
        {
            fixed (byte* first = _pin.GetReadOnlySpan(run))
            {
                act((nuint)first, (nuint)_pin.GetReadOnlySpan(run).Length);
            }
        }
    }
}
