using System.IO.Compression;
using NativeMm.Lab;
using NativeMm.Lab.Pages;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>The pages that come with the project are there, and a broken file is refused in one line.</summary>
public sealed class PageSetTests
{
    [Fact]
    public void The_shipped_pages_are_what_their_description_says()
    {
        PageSet pages = PageSet.ReadShipped();
        Assert.Equal(2048, pages.Count);
        Assert.InRange(Enumerable.Range(0, pages.Count).Count(pages.IsSameFilled), 248, 300);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4095)]
    [InlineData(4097)]
    public void Anything_but_whole_pages_is_refused(int bytes)
    {
        using MemoryStream stream = Compressed(new byte[bytes]);
        LabUsageException refusal = Assert.Throws<LabUsageException>(() => PageSet.Read(stream, "some file"));
        Assert.Contains($"some file holds {bytes} bytes", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_gzip_is_refused()
    {
        using var stream = new MemoryStream([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        Assert.Contains("some file", Assert.Throws<LabUsageException>(() => PageSet.Read(stream, "some file")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Only_a_page_of_one_word_is_same_filled()
    {
        byte[] content = new byte[3 * PageSet.PageBytes];
        content.AsSpan(PageSet.PageBytes, PageSet.PageBytes).Fill(9);
        content[^1] = 1;
        using MemoryStream stream = Compressed(content);
        PageSet pages = PageSet.Read(stream, "some file");
        Assert.Equal([true, true, false], Enumerable.Range(0, 3).Select(pages.IsSameFilled));
    }

    private static MemoryStream Compressed(byte[] content)
    {
        var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(content);
        }

        stream.Position = 0;
        return stream;
    }
}
