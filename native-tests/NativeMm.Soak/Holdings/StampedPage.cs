using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Holdings;

/// <summary>What is written into whole pages: same-filled, compressible or not, by the stamp. Stamp 0 is a page of zeros.</summary>
internal static class StampedPage
{
    /// <summary>Bytes of a page.</summary>
    public const int PageBytes = 4096;

    /// <summary>Writes the content of a stamp.</summary>
    public static void Fill(Span<byte> page, ulong stamp)
    {
        page.Clear();
        switch (stamp % 3)
        {
            case 0:
                page.Fill((byte)(stamp >> 8));
                break;
            case 1:
                Pattern.Fill(page[..(PageBytes / 4)], stamp);
                break;
            default:
                Pattern.FillRandom(page, stamp);
                break;
        }
    }

    /// <summary>Compares a page with the content of a stamp.</summary>
    /// <param name="found">The page, or its first bytes.</param>
    /// <param name="stamp">What was written.</param>
    /// <param name="who">For the message.</param>
    /// <param name="page">Its number, for the message.</param>
    /// <exception cref="FindingException">A byte is another.</exception>
    public static void Check(ReadOnlySpan<byte> found, ulong stamp, string who, long page)
    {
        Span<byte> expected = stackalloc byte[PageBytes];
        Fill(expected, stamp);
        int same = expected.CommonPrefixLength(found);
        if (same < found.Length)
        {
            throw new FindingException(who, 0, $"{expected[same]:x2} at offset {same} of page {page}", $"{found[same]:x2}");
        }
    }
}
