using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Fuzzing;

/// <summary>Contents of pages: runs of bytes, repeated pieces and noise in any mixture.</summary>
internal static class FuzzPages
{
    /// <summary>Fills a page.</summary>
    public static void Fill(Span<byte> page, Chance chance)
    {
        if (chance.OneIn(8))
        {
            page.Fill((byte)chance.Next());
            return;
        }

        for (int done = 0; done < page.Length;)
        {
            Span<byte> piece = page.Slice(done, int.Min(chance.Between(1, 600), page.Length - done));
            switch (chance.Below(4))
            {
                case 0:
                    piece.Fill((byte)chance.Next());
                    break;
                case 1 when done >= piece.Length:
                    page.Slice(chance.Below(done - piece.Length + 1), piece.Length).CopyTo(piece);
                    break;
                case 2:
                    foreach (ref byte place in piece)
                    {
                        place = (byte)chance.Next();
                    }

                    break;
                default:
                    piece.Clear();
                    break;
            }

            done += piece.Length;
        }
    }
}
