using NativeMm.AddressSpaces;
using NativeMm.Buffers;
using NativeMm.Platform;
using NativeMm.Tests.Support;
using NativeMm.Tests.Unit.Swap;
using Xunit;

namespace NativeMm.Tests.Faulty.Swap;

/// <summary>Disks that fail: what was not stored is said, and what was stored is not lost.</summary>
public sealed class FileSwapFaultTests : IDisposable
{
    private readonly FaultyBackingFile _file = new();
    private readonly FileSwap _swap;
    private readonly PageBlock _pages = PageBlock.Incompressible(96, seed: 1);
    private readonly ulong[] _slots = new ulong[96];

    public FileSwapFaultTests()
    {
        _swap = new FileSwap(_file, SwapUnderTest.PagesMax, SystemPlatform.Current);
    }

    public void Dispose()
    {
        _swap.Dispose();
        _pages.Dispose();
        Assert.True(_file.IsDisposed);
    }

    [Fact]
    public void Batch_is_one_write()
    {
        SwapBackendTests.Store(_swap, _pages);
        Assert.Equal([96], _file.WriteLengths);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Write_that_fails_stores_nothing_and_leaves_no_place_taken(int each)
    {
        _file.FailWriteEach = each;
        long stored = 0;
        for (int i = 0; i < 12; i++)
        {
            int count = _swap.Store(_pages.Addresses.AsSpan(i * 8, 8), _slots.AsSpan(i * 8));
            bool failed = (i + 1) % each == 0;
            Assert.Equal(failed ? 0 : 8, count);
            Assert.All(_slots[(i * 8)..((i + 1) * 8)], slot => Assert.Equal(failed, slot == SwapSlot.NoRoom));
            Assert.Equal(failed ? ErrorNumber.DeviceFailed : 0, _swap.GetStatistics().LastStoreErrno);
            stored += count;
        }

        Assert.Equal(stored, _swap.GetStatistics().FilePages);
        AssertStoredContent();
        _swap.Validate();
    }

    [Theory]
    [InlineData(4096)]
    [InlineData(10_000)]
    [InlineData(65_536)]
    public void Short_writes_are_gone_on_with(long bytes)
    {
        _file.WriteBytesMax = bytes;
        Assert.Equal(96, _swap.Store(_pages.Addresses, _slots));
        Assert.InRange(_file.WriteLengths.Count, 96 / (int)Math.Max(1, bytes / 4096), 96);
        AssertStoredContent();
        _swap.Validate();
    }

    [Fact]
    public void Write_that_never_completes_a_page_is_a_failure_and_no_endless_loop()
    {
        _file.WriteBytesMax = 512;
        Assert.Equal(0, _swap.Store(_pages.Addresses, _slots));
        Assert.Equal(ErrorNumber.DeviceFailed, _swap.GetStatistics().LastStoreErrno);
        Assert.Equal(0, _swap.GetStatistics().FilePages);
    }

    [Fact]
    public void Full_disk_keeps_what_it_took_and_is_used_again_when_there_is_room()
    {
        _file.DiskPages = 40;
        Assert.Equal(40, _swap.Store(_pages.Addresses, _slots));
        Assert.Equal(ErrorNumber.NoSpace, _swap.GetStatistics().LastStoreErrno);
        Assert.All(_slots[40..], slot => Assert.Equal(SwapSlot.NoRoom, slot));
        AssertStoredContent();
        _swap.Validate();

        _swap.Free(_slots[3]);
        _slots[3] = SwapSlot.NoRoom;
        _file.DiskPages = long.MaxValue;
        Assert.Equal(56, _swap.Store(_pages.Addresses.AsSpan(40), _slots.AsSpan(40)));
        Assert.Equal(0, _swap.GetStatistics().LastStoreErrno);
        AssertStoredContent();
        _swap.Validate();
    }

    [Fact]
    public void Full_file_refuses_and_says_so()
    {
        using var small = new FileSwap(new FaultyBackingFile(), 64, SystemPlatform.Current);
        Assert.Equal(64, small.Store(_pages.Addresses, _slots));
        Assert.Equal(ErrorNumber.FileTooLarge, small.GetStatistics().LastStoreErrno);
        small.Free(_slots[10]);
        Assert.Equal(1, small.Store(_pages.Addresses.AsSpan(70, 5), _slots.AsSpan(70)));
        Assert.Equal(_slots[10], _slots[70]);
        small.Validate();
    }

    [Fact]
    public void Memory_that_is_refused_for_the_bookkeeping_is_no_full_file()
    {
        var platform = new FaultyPlatform();
        using (var swap = new FileSwap(new FaultyBackingFile(), SwapUnderTest.PagesMax, platform))
        {
            platform.FailCall(1, kind: PlatformCall.Open, times: int.MaxValue);
            Assert.Equal(0, swap.Store(_pages.Addresses, _slots));
            Assert.Equal(ErrorNumber.OutOfMemory, swap.GetStatistics().LastStoreErrno);

            // The map of places gets its memory, and the records of the pages do not.
            platform.FailCall(2, kind: PlatformCall.Open, times: int.MaxValue);
            Assert.Equal(0, swap.Store(_pages.Addresses, _slots));
            Assert.Equal(ErrorNumber.OutOfMemory, swap.GetStatistics().LastStoreErrno);
            swap.Validate();
            platform.FailNothing();
            SwapBackendTests.AssertContent(swap, SwapBackendTests.Store(swap, _pages), _pages);
            Assert.Equal(0, swap.GetStatistics().LastStoreErrno);
            swap.Validate();
        }

        platform.AssertNothingLeaked();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Read_that_fails_says_so_and_the_page_is_there_later(int each)
    {
        SwapBackendTests.Store(_swap, _pages).CopyTo(_slots, 0);
        _file.FailReadEach = each;
        using var target = new PageBlock(1);
        for (int i = 0; i < 20; i++)
        {
            SwapLoad load = _swap.Load(_slots[i], target.Addresses[0]);
            bool failed = (i + 1) % each == 0;
            Assert.Equal(failed ? SwapLoadKind.DeviceFailed : SwapLoadKind.Loaded, load.Kind);
            Assert.Equal(failed ? ErrorNumber.DeviceFailed : 0, load.Errno);
        }

        _file.FailReadEach = 0;
        AssertStoredContent();
    }

    [Fact]
    public void Read_that_comes_short_for_good_is_a_failure_without_a_number()
    {
        SwapBackendTests.Store(_swap, _pages).CopyTo(_slots, 0);
        _file.ReadShortBy = 100;
        using var target = new PageBlock(1);
        SwapLoad load = _swap.Load(_slots[5], target.Addresses[0]);
        Assert.Equal((SwapLoadKind.DeviceFailed, 0), (load.Kind, load.Errno));
    }

    [Fact]
    public void Corrupted_page_is_found_and_no_other_is_concerned()
    {
        SwapBackendTests.Store(_swap, _pages).CopyTo(_slots, 0);
        _file.Damage((long)_slots[7] - 1, 1234);
        using var target = new PageBlock(1);
        Assert.Equal(SwapLoadKind.Corrupted, _swap.Load(_slots[7], target.Addresses[0]).Kind);
        _slots[7] = SwapSlot.NoRoom;
        AssertStoredContent();
        Assert.Equal(1, _swap.GetStatistics().FailedLoads);
    }

    [Fact]
    public void Load_waits_neither_for_a_write_nor_for_another_load()
    {
        SwapBackendTests.Store(_swap, _pages).CopyTo(_slots, 0);
        using var parked = new CountdownEvent(2);
        using var release = new ManualResetEventSlim();
        void Park()
        {
            parked.Signal();
            Assert.True(release.Wait(StartGate.DefaultTimeout));
        }

        _file.Writing = Park;
        _file.Reading = page =>
        {
            if (page == 0)
            {
                Park();
            }
        };
        using PageBlock more = PageBlock.Incompressible(16, seed: 500);
        using var target = new PageBlock(3);
        ulong[] places = new ulong[16];
        StartGate.Run(
            3,
            thread =>
            {
                switch (thread)
                {
                    case 0:
                        Assert.Equal(16, _swap.Store(more.Addresses, places));
                        break;
                    case 1:
                        Assert.True(_swap.Load(_slots[0], target.Addresses[1]).Succeeded);
                        break;
                    default:
                        Assert.True(parked.Wait(StartGate.DefaultTimeout));
                        Assert.True(_swap.Load(_slots[50], target.Addresses[2]).Succeeded);
                        release.Set();
                        break;
                }
            });
        Assert.True(target[2].SequenceEqual(_pages[50]));
    }

    private void AssertStoredContent()
    {
        for (int i = 0; i < _slots.Length; i++)
        {
            if (SwapSlot.IsStored(_slots[i]))
            {
                SwapBackendTests.AssertContent(_swap, [_slots[i]], _pages, i);
            }
        }
    }
}
