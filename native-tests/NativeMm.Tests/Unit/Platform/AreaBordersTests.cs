using System.Text;
using NativeMm.Platform;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit.Platform;

public sealed class AreaBordersTests
{
    private const string Maps =
        "1000-2000 r-xp 00000000 08:01 1234  /usr/lib/a-b/dead-beef\n" +
        "2000-5000 rw-p 00000000 00:00 0 \n" +
        "5000-9000 ---p 00000000 00:00 0 \n" +
        "a000-b000 rw-p 00000000 00:00 0  [heap]\n" +
        "7fff0000f000-7FFF00010000 rw-p 00000000 00:00 0  [stack]\n";

    [Theory]
    [InlineData(0x2000, 0x3000, "")]
    [InlineData(0x1000, 0x3000, "2000")]
    [InlineData(0x1000, 0x8000, "2000 5000")]
    [InlineData(0x1000, 0x8001, "2000 5000 9000")]
    [InlineData(0x1000, 0xa000, "2000 5000 9000 a000")]
    [InlineData(0x6000, 0x1000, "")]
    [InlineData(0x1000, 0x7fffffff0000, "2000 5000 9000 a000 b000 7fff0000f000 7fff00010000")]
    public void Borders_inside_are_found_wherever_the_text_is_cut(long address, long bytes, string expected)
    {
        for (int piece = 1; piece <= Maps.Length; piece++)
        {
            Assert.Equal(expected, Read(address, bytes, capacity: 16, piece));
        }
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(1, "2000")]
    [InlineData(2, "2000 5000")]
    public void No_more_than_fit_are_kept(int capacity, string expected) => Assert.Equal(expected, Read(0x1000, 0xa000, capacity, piece: 7));

    [LinuxFact]
    public void System_tells_where_its_areas_meet()
    {
        IMemoryPlatform platform = SystemPlatform.Current;
        nuint page = platform.PageBytes;
        Assert.True(platform.ReserveClosed(16 * page, page, readable: false, out nuint address).Succeeded);
        try
        {
            Assert.True(platform.Open(address + (4 * page), 4 * page).Succeeded);
            Span<nuint> borders = stackalloc nuint[8];

            int count = platform.FindBorders(address, 16 * page, borders);

            Assert.Equal([address + (4 * page), address + (8 * page)], borders[..count].ToArray());
        }
        finally
        {
            platform.ReleaseOrKeep(address, 16 * page);
        }
    }

    [LinuxFact]
    public void Looking_takes_no_managed_memory()
    {
        Span<nuint> borders = stackalloc nuint[8];
        long least = long.MaxValue;
        for (int attempt = 0; attempt < 5; attempt++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            SystemPlatform.Current.FindBorders(1, nuint.MaxValue - 1, borders);
            least = long.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    private static string Read(long address, long bytes, int capacity, int piece)
    {
        var found = new nuint[capacity];
        var reader = new AreaBorders((nuint)address, (nuint)bytes, found);
        byte[] text = Encoding.ASCII.GetBytes(Maps);
        for (int at = 0; at < text.Length && !reader.IsDone; at += piece)
        {
            reader.Feed(text.AsSpan(at, int.Min(piece, text.Length - at)));
        }

        return string.Join(' ', found.Take(reader.Count).Select(border => border.ToString("x")));
    }
}
