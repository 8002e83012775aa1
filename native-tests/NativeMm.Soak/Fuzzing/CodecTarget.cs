using NativeMm.Buffers;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Fuzzing;

/// <summary>The codecs, with damaged bytes: no exception, and nothing is written outside of the page. Whole bytes give the page back.</summary>
internal sealed class CodecTarget : IFuzzTarget
{
    private const int PageBytes = 4096;
    private const int MarginBytes = 256;
    private const byte Margin = 0xA5;
    private readonly byte[] _page = new byte[PageBytes];
    private readonly byte[] _compressed = new byte[PageBytes - 1];
    private readonly byte[] _room = new byte[PageBytes + (2 * MarginBytes)];

    public string Name => "codec";

    public void Run(Chance chance)
    {
        IPageCodec codec = PageCodecs.Available[chance.Below(PageCodecs.Available.Count)];
        FuzzPages.Fill(_page, chance);
        if (!codec.TryCompress(_page, _compressed, out int written))
        {
            return;
        }

        Require(written is > 0 and < PageBytes, codec, "a length below that of the page", $"{written}");
        Require(Restore(codec, _compressed.AsSpan(0, written)) && _room.AsSpan(MarginBytes, PageBytes).SequenceEqual(_page), codec, "the page", "another");
        _ = Restore(codec, Mutation.Of(_compressed.AsSpan(0, written), chance));
    }

    public void Dispose()
    {
    }

    private bool Restore(IPageCodec codec, ReadOnlySpan<byte> compressed)
    {
        _room.AsSpan().Fill(Margin);
        bool restored = codec.TryDecompress(compressed, _room.AsSpan(MarginBytes, PageBytes));
        Require(
            !_room.AsSpan(0, MarginBytes).ContainsAnyExcept(Margin) && !_room.AsSpan(MarginBytes + PageBytes).ContainsAnyExcept(Margin),
            codec,
            "nothing written outside of the page",
            "something");
        return restored;
    }

    private static void Require(bool holds, IPageCodec codec, string expected, string found)
    {
        if (!holds)
        {
            throw new FindingException($"codec {codec.Name}", 0, expected, found);
        }
    }
}
