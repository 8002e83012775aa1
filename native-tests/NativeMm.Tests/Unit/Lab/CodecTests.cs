using NativeMm.Buffers;
using NativeMm.Lab.Baselines;
using NativeMm.Lab.Pages;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

public sealed class CodecTests
{
    [Fact]
    public void Managed_lz4_restores_what_it_and_what_the_systems_library_compressed()
    {
        PageSet pages = PageSet.ReadShipped();
        var codec = new K4osPageCodec();
        byte[] room = new byte[CompressedPages.CompressedMax];
        byte[] restored = new byte[PageSet.PageBytes];
        for (int i = 0; i < pages.Count; i += 7)
        {
            foreach (IPageCodec compressor in new IPageCodec?[] { codec, PageCodecs.Lz4 }.OfType<IPageCodec>())
            {
                if (compressor.TryCompress(pages[i], room, out int length))
                {
                    Assert.True(codec.TryDecompress(room.AsSpan(0, length), restored));
                    Assert.True(pages[i].SequenceEqual(restored), $"Page {i} does not come back as it was.");
                }
            }
        }
    }

    [Fact]
    public void Managed_lz4_refuses_what_is_too_long_and_what_is_broken()
    {
        byte[] noise = new byte[PageSet.PageBytes];
        new Random(1).NextBytes(noise);
        var codec = new K4osPageCodec();
        Assert.False(codec.TryCompress(noise, new byte[CompressedPages.CompressedMax], out int length));
        Assert.Equal(0, length);
        Assert.False(codec.TryDecompress(noise.AsSpan(0, 100), new byte[PageSet.PageBytes]));
    }
}
