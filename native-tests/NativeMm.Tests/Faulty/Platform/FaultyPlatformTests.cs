using NativeMm.Platform;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Faulty;

public sealed class FaultyPlatformTests
{
    private readonly FaultyPlatform _platform = new();

    [Fact]
    public void Named_call_fails_and_others_work()
    {
        _platform.FailCall(2, ErrorNumber.TryAgain, PlatformCall.Reserve);
        nuint page = _platform.PageBytes;
        Assert.True(_platform.Reserve(page, page, out nuint first).Succeeded);
        Assert.True(_platform.Commit(first, page).Succeeded);
        Assert.Equal(ErrorNumber.TryAgain, _platform.Reserve(page, page, out nuint refused).Errno);
        Assert.Equal((nuint)0, refused);
        Assert.True(_platform.Reserve(page, page, out nuint third).Succeeded);
        Assert.True(_platform.Release(first, page).Succeeded);
        Assert.True(_platform.Release(third, page).Succeeded);
        Assert.Equal((3, 1, 6, 1), (_platform.Calls(PlatformCall.Reserve), _platform.Calls(PlatformCall.Commit), _platform.TotalCalls, _platform.Failures));
        _platform.AssertNothingLeaked();
    }

    [Fact]
    public void Any_call_fails_so_many_times_in_a_row()
    {
        nuint page = _platform.PageBytes;
        _platform.FailCall(1, times: 2);
        Assert.Equal(ErrorNumber.OutOfMemory, _platform.Reserve(page, page, out _).Errno);
        Assert.Equal(ErrorNumber.OutOfMemory, _platform.Commit(0, page).Errno);
        Assert.True(_platform.Reserve(page, page, out nuint address).Succeeded);
        _platform.FailCall(1);
        _platform.FailNothing();
        Assert.True(_platform.Release(address, page).Succeeded);
    }

    [Fact]
    public void Leak_is_found()
    {
        nuint page = _platform.PageBytes;
        Assert.True(_platform.Reserve(page, page, out nuint address).Succeeded);
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(_platform.AssertNothingLeaked);
        _platform.FailCall(1, kind: PlatformCall.Release);
        Assert.False(_platform.Release(address, page).Succeeded);
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(_platform.AssertNothingLeaked);
        Assert.True(_platform.Release(address, page).Succeeded);
        _platform.AssertNothingLeaked();
    }

    [Fact]
    public void Release_of_what_is_not_live_is_found()
    {
        var platform = new FaultyPlatform(new PortablePlatform());
        Assert.False(platform.Release(platform.PageBytes, platform.PageBytes).Succeeded);
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(platform.AssertNothingLeaked);
    }

    [LinuxFact]
    public void Mapping_over_a_reservation_replaces_it()
    {
        nuint page = _platform.PageBytes;
        Assert.True(_platform.CreateMemoryFile("nativemm-test", page, out int file).Succeeded);
        Assert.True(_platform.Reserve(3 * page, page, out nuint window).Succeeded);
        Assert.True(_platform.MapFile(file, 0, page, window + page, out _).Succeeded);
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(_platform.AssertNothingLeaked);
        Assert.True(_platform.Unmap(window + page, page).Succeeded);
        Assert.True(_platform.Release(window, page).Succeeded);
        Assert.True(_platform.Resize(window + (2 * page), page, 2 * page, out nuint moved).Succeeded);
        Assert.True(_platform.Release(moved, 2 * page).Succeeded);
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(_platform.AssertNothingLeaked);
        Assert.True(_platform.CloseFile(file).Succeeded);
        _platform.AssertNothingLeaked();
    }
}
