using NativeMm.Platform;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed unsafe class PortablePlatformTests
{
    private readonly PortablePlatform _platform = new();

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 16)]
    [InlineData(600, 512)]
    public void Reserve_gives_aligned_zeroed_memory_even_when_used_before(int pages, int alignmentInPages)
    {
        nuint bytes = (nuint)pages * _platform.PageBytes;
        nuint alignment = (nuint)alignmentInPages * _platform.PageBytes;
        for (int round = 0; round < 4; round++)
        {
            Assert.True(_platform.Reserve(bytes, alignment, out nuint address).Succeeded);
            Assert.Equal((nuint)0, address % alignment);
            var span = new Span<byte>((void*)address, (int)bytes);
            Assert.Equal(-1, span.IndexOfAnyExcept((byte)0));
            span.Fill(0xA5);
            Assert.True(_platform.Commit(address, bytes).Succeeded);
            Assert.Equal(-1, span.IndexOfAnyExcept((byte)0xA5));
            Assert.True(_platform.Release(address, bytes).Succeeded);
        }
    }

    [Fact]
    public void Resize_keeps_content_and_alignment_and_zeroes_the_rest()
    {
        nuint page = _platform.PageBytes;
        Assert.True(_platform.Reserve(page, 64 * page, out nuint address).Succeeded);
        new Span<byte>((void*)address, (int)page).Fill(7);
        Assert.True(_platform.Resize(address, page, 5 * page, out nuint grown).Succeeded);
        Assert.Equal((nuint)0, grown % (64 * page));
        Assert.Equal(-1, new Span<byte>((void*)grown, (int)page).IndexOfAnyExcept((byte)7));
        Assert.Equal(-1, new Span<byte>((void*)(grown + page), (int)(4 * page)).IndexOfAnyExcept((byte)0));
        Assert.True(_platform.Resize(grown, 5 * page, page, out nuint shrunk).Succeeded);
        Assert.Equal(7, *(byte*)shrunk);
        Assert.True(_platform.Release(shrunk, page).Succeeded);
    }

    [Fact]
    public void What_was_not_reserved_is_refused()
    {
        nuint page = _platform.PageBytes;
        Assert.True(_platform.Reserve(2 * page, page, out nuint address).Succeeded);
        Assert.Equal(ErrorNumber.Invalid, _platform.Release(address + page, page).Errno);
        Assert.Equal(ErrorNumber.Invalid, _platform.Release(address, page).Errno);
        Assert.Equal(ErrorNumber.Invalid, _platform.Resize(address, page, page, out _).Errno);
        Assert.True(_platform.Release(address, 2 * page).Succeeded);
        Assert.Equal(ErrorNumber.Invalid, _platform.Release(address, 2 * page).Errno);
        Assert.Equal(ErrorNumber.OutOfMemory, _platform.Reserve(nuint.MaxValue - 1, page, out _).Errno);
        Assert.Equal(ErrorNumber.OutOfMemory, _platform.Reserve((nuint)1 << 60, page, out _).Errno);
    }

    [Fact]
    public void Everything_else_is_not_implemented_and_says_so()
    {
        Assert.Equal(PlatformCapabilities.None, _platform.Capabilities);
        PlatformResult[] results =
        [
            _platform.Discard(0, 0, DiscardMode.Now),
            _platform.Discard([], DiscardMode.Now),
            _platform.AdviseHugePages(0, 0, enabled: true),
            _platform.Protect(0, 0, accessible: true),
            _platform.CountResident(0, 0, out _),
            _platform.CreateMemoryFile("x", 1, out _),
            _platform.CloseFile(0),
            _platform.MapFile(0, 0, 0, 0, out _),
            _platform.Unmap(0, 0),
            _platform.PunchHole(0, 0, 0),
        ];
        Assert.All(results, result => Assert.Equal("ENOSYS (38)", result.ToString()));
    }
}
