using NativeMm.Platform;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Unit;

public sealed unsafe class LinuxPlatformTests
{
    private const nuint MiB = 1 << 20;
    private readonly LinuxPlatform _platform = new(KernelVersion.Current);

    private nuint Page => _platform.PageBytes;

    [LinuxTheory]
    [InlineData(1, 1)]
    [InlineData(5, 1)]
    [InlineData(3, 16)]
    [InlineData(1, 512)]
    [InlineData(513, 512)]
    [InlineData(7, 4096)]
    public void Reserve_gives_aligned_zeroed_writable_memory(int pages, int alignmentInPages)
    {
        nuint bytes = (nuint)pages * Page;
        nuint alignment = (nuint)alignmentInPages * Page;
        for (int round = 0; round < 4; round++)
        {
            AssertSucceeded(_platform.Reserve(bytes, alignment, out nuint address));
            Assert.Equal((nuint)0, address % alignment);
            var span = new Span<byte>((void*)address, (int)bytes);
            Assert.Equal(-1, span.IndexOfAnyExcept((byte)0));
            span.Fill(0xA5);
            AssertSucceeded(_platform.Release(address, bytes));
        }
    }

    [LinuxTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_table_reads_as_zero_and_can_be_written_once_it_is_open(bool closed)
    {
        const nuint Bytes = 3 << 20;
        IMemoryPlatform platform = SystemPlatform.Current;
        Assert.True(platform.ReserveTable(Bytes, closed, out nuint table).Succeeded);
        Assert.Equal(0, ((byte*)table)[Bytes - 1]);
        if (closed)
        {
            Assert.True(platform.Open(table, platform.PageBytes).Succeeded);
        }

        *(byte*)table = 7;
        Assert.Equal(7, *(byte*)table);
        Assert.True(platform.Release(table, Bytes).Succeeded);

        // Low or not is the system's choice; what is too large for the low addresses works as well.
        Assert.True(platform.ReserveTable(1u << 30, closed: true, out nuint large).Succeeded);
        Assert.True(large > int.MaxValue);
        Assert.True(platform.Release(large, 1u << 30).Succeeded);
    }

    [LinuxFact]
    public void Reserve_for_large_alignment_leaves_nothing_mapped_around_it()
    {
        // Both ends of the range that was mapped to make the alignment must be free again: a second mapping put there by force of a hint works.
        nuint alignment = 64 * MiB;
        AssertSucceeded(ProcessMemory.ReadUsage(out ProcessMemoryUsage before));
        var addresses = new nuint[16];
        for (int i = 0; i < addresses.Length; i++)
        {
            AssertSucceeded(_platform.Reserve(Page, alignment, out addresses[i]));
            Assert.Equal((nuint)0, addresses[i] % alignment);
        }

        AssertSucceeded(ProcessMemory.ReadUsage(out ProcessMemoryUsage after));
        foreach (nuint address in addresses)
        {
            AssertSucceeded(_platform.Release(address, Page));
        }

        // Sixteen leaks of this alignment would be a gigabyte; other threads of the test process move the figure by far less.
        Assert.True(after.Virtual < before.Virtual + (512 * MiB), $"{before.Virtual} → {after.Virtual}");
    }

    [LinuxFact]
    public void Reserve_refuses_what_no_address_space_holds()
    {
        PlatformResult tooLong = _platform.Reserve(nuint.MaxValue - 1, Page, out nuint address);
        Assert.Equal(ErrorNumber.OutOfMemory, tooLong.Errno);
        Assert.Equal((nuint)0, address);
        PlatformResult tooLarge = _platform.Reserve((nuint)1 << 60, Page, out address);
        Assert.Equal(ErrorNumber.OutOfMemory, tooLarge.Errno);
        Assert.Equal((nuint)0, address);
    }

    [LinuxFact]
    public void Untouched_reservation_is_not_resident_and_commit_makes_it_so()
    {
        nuint bytes = 3000 * Page;
        AssertSucceeded(_platform.Reserve(bytes, Page, out nuint address));
        AssertSucceeded(_platform.AdviseHugePages(address, bytes, enabled: false));
        AssertSucceeded(_platform.CountResident(address, bytes, out nuint resident));
        Assert.Equal((nuint)0, resident);

        *(byte*)(address + (2500 * Page)) = 1;
        AssertSucceeded(_platform.CountResident(address, bytes, out resident));
        Assert.Equal((nuint)1, resident);

        AssertSucceeded(_platform.Commit(address, bytes));
        AssertSucceeded(_platform.CountResident(address, bytes, out resident));
        Assert.Equal((nuint)3000, resident);
        Assert.Equal(1, *(byte*)(address + (2500 * Page)));
        AssertSucceeded(_platform.Release(address, bytes));
    }

    [LinuxFact]
    public void Discard_now_makes_pages_zero_and_not_resident()
    {
        AssertSucceeded(_platform.Reserve(8 * Page, Page, out nuint address));
        new Span<byte>((void*)address, (int)(8 * Page)).Fill(7);
        AssertSucceeded(_platform.Discard(address + (2 * Page), 3 * Page, DiscardMode.Now));
        AssertSucceeded(_platform.CountResident(address, 8 * Page, out nuint resident));
        Assert.Equal((nuint)5, resident);
        Assert.Equal(7, *(byte*)(address + (2 * Page) - 1));
        Assert.Equal(0, *(byte*)(address + (2 * Page)));
        Assert.Equal(0, *(byte*)(address + (5 * Page) - 1));
        Assert.Equal(7, *(byte*)(address + (5 * Page)));
        AssertSucceeded(_platform.Release(address, 8 * Page));
    }

    [LinuxFact]
    public void Discard_when_needed_keeps_the_range_usable()
    {
        AssertSucceeded(_platform.Reserve(Page, Page, out nuint address));
        *(byte*)address = 7;
        AssertSucceeded(_platform.Discard(address, Page, DiscardMode.WhenNeeded));
        Assert.Contains(*(byte*)address, new byte[] { 0, 7 });
        *(byte*)address = 9;
        Assert.Equal(9, *(byte*)address);
        AssertSucceeded(_platform.Release(address, Page));
    }

    [LinuxTheory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(1024)]
    [InlineData(1025)]
    [InlineData(2500)]
    public void Discard_of_many_ranges_takes_each_and_nothing_else(int count)
    {
        nuint bytes = (nuint)count * 2 * Page;
        AssertSucceeded(_platform.Reserve(bytes, Page, out nuint address));
        AssertSucceeded(_platform.AdviseHugePages(address, bytes, enabled: false));
        var ranges = new AddressRange[count];
        for (int i = 0; i < count; i++)
        {
            nuint at = address + ((nuint)i * 2 * Page);
            *(byte*)at = 1;
            *(byte*)(at + Page) = 2;
            ranges[i] = new AddressRange(at, Page);
        }

        AssertSucceeded(_platform.Discard(ranges, DiscardMode.Now));
        AssertSucceeded(_platform.CountResident(address, bytes, out nuint resident));
        Assert.Equal((nuint)count, resident);
        for (int i = 0; i < count; i++)
        {
            Assert.Equal(0, *(byte*)ranges[i].Address);
            Assert.Equal(2, *(byte*)(ranges[i].Address + Page));
        }

        AssertSucceeded(_platform.Release(address, bytes));
    }

    [LinuxFact]
    public void Discard_of_many_ranges_reports_the_bad_one_and_does_the_others()
    {
        AssertSucceeded(_platform.Reserve(4 * Page, Page, out nuint address));
        new Span<byte>((void*)address, (int)(4 * Page)).Fill(7);
        AddressRange[] ranges = [new(address, Page), new(address + Page + 1, Page), new(address + (3 * Page), Page)];
        Assert.Equal(ErrorNumber.Invalid, _platform.Discard(ranges, DiscardMode.Now).Errno);
        Assert.Equal(0, *(byte*)address);
        Assert.Equal(7, *(byte*)(address + Page));
        Assert.Equal(0, *(byte*)(address + (3 * Page)));

        // A caller's bad range does not switch the vectored call off for good: the good ranges still go.
        AssertSucceeded(_platform.Discard([new(address + Page, Page), new(address + (2 * Page), Page)], DiscardMode.Now));
        Assert.Equal(0, *(byte*)(address + Page));
        AssertSucceeded(_platform.Discard([], DiscardMode.Now));
        AssertSucceeded(_platform.Release(address, 4 * Page));
    }

    [LinuxFact]
    public void Resize_moves_the_content_and_zeroes_the_rest()
    {
        AssertSucceeded(_platform.Reserve(2 * Page, Page, out nuint address));
        new Span<byte>((void*)address, (int)(2 * Page)).Fill(7);
        AssertSucceeded(_platform.Resize(address, 2 * Page, 300 * Page, out nuint grown));
        Assert.Equal(-1, new Span<byte>((void*)grown, (int)(2 * Page)).IndexOfAnyExcept((byte)7));
        Assert.Equal(-1, new Span<byte>((void*)(grown + (2 * Page)), (int)(298 * Page)).IndexOfAnyExcept((byte)0));
        AssertSucceeded(_platform.Resize(grown, 300 * Page, Page, out nuint shrunk));
        Assert.Equal(7, *(byte*)shrunk);
        AssertSucceeded(_platform.Release(shrunk, Page));
        Assert.NotEqual(0, _platform.Resize(0x1000, Page, nuint.MaxValue - 5, out nuint none).Errno);
        Assert.Equal((nuint)0, none);
    }

    [LinuxFact]
    public void Memory_file_shows_the_same_page_at_two_addresses()
    {
        AssertSucceeded(_platform.CreateMemoryFile("nativemm-test", 4 * Page, out int file));
        AssertSucceeded(_platform.MapFile(file, 0, 4 * Page, 0, out nuint first));
        AssertSucceeded(_platform.Reserve(2 * Page, Page, out nuint reserved));
        AssertSucceeded(_platform.MapFile(file, 2 * Page, 2 * Page, reserved, out nuint second));
        Assert.Equal(reserved, second);
        *(byte*)(first + (3 * Page)) = 42;
        Assert.Equal(42, *(byte*)(second + Page));

        AssertSucceeded(_platform.PunchHole(file, 3 * Page, Page));
        Assert.Equal(0, *(byte*)(first + (3 * Page)));
        Assert.Equal(0, *(byte*)(second + Page));

        AssertSucceeded(_platform.CloseFile(file));
        *(byte*)first = 1;
        AssertSucceeded(_platform.Unmap(first, 4 * Page));
        AssertSucceeded(_platform.Unmap(second, 2 * Page));
    }

    [LinuxFact]
    public void Refusals_carry_the_systems_error_number()
    {
        Assert.Equal("EBADF (9)", _platform.MapFile(-1, 0, Page, 0, out nuint address).ToString());
        Assert.Equal((nuint)0, address);
        Assert.Equal(ErrorNumber.BadFile, _platform.CloseFile(1 << 20).Errno);
        Assert.Equal(ErrorNumber.BadFile, _platform.PunchHole(1 << 20, 0, Page).Errno);
        Assert.Equal(ErrorNumber.Invalid, _platform.Unmap(1, Page).Errno);
        Assert.Equal(ErrorNumber.Invalid, _platform.Discard(1, Page, DiscardMode.Now).Errno);
        Assert.Equal(ErrorNumber.Invalid, _platform.Protect(1, Page, accessible: true).Errno);
        Assert.Equal(ErrorNumber.OutOfMemory, _platform.CountResident((nuint)1 << 46, Page, out _).Errno);
        Assert.Equal(ErrorNumber.Invalid, _platform.CreateMemoryFile(new string('x', 250), Page, out int file).Errno);
        Assert.Equal(-1, file);
    }

    private static void AssertSucceeded(PlatformResult result) => Assert.True(result.Succeeded, result.ToString());
}
