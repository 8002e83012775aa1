using NativeMm.Lab.Commands;
using Xunit;

namespace NativeMm.Tests.Unit.Lab;

/// <summary>What the user does wrong ends in exit code 2 and one clear line, before anything is measured.</summary>
public sealed class CommandLineTests
{
    [Theory]
    [InlineData("no-such-command", "no-such-command")]
    [InlineData("run", "experiment")]
    [InlineData("run nonsense", "Unknown experiment 'nonsense'")]
    [InlineData("list nonsense", "Unknown experiment 'nonsense'")]
    [InlineData("check nonsense", "Unknown experiment 'nonsense'")]
    [InlineData("run heap --variants nonsense", "Unknown variant 'nonsense'")]
    [InlineData("run heap --variants ,", "--variants")]
    [InlineData("run heap --set nonsense=1", "Unknown key 'nonsense'")]
    [InlineData("run heap --set size", "key=value")]
    [InlineData("run heap --set size=", "key=value")]
    [InlineData("run heap --set size=0", "Bad value '0' for size")]
    [InlineData("run heap --set size=many", "Bad value 'many' for size")]
    [InlineData("run heap --set pattern=nonsense", "Bad value 'nonsense' for pattern")]
    [InlineData("run heap --set pattern=mixed --set size=64", "no meaning")]
    [InlineData("run heap --set pattern=mixed --set sizes=65", "Bad value '65' for sizes: expected log-normal or a whole number from 1 to 64")]
    [InlineData("run heap --set pattern=mixed --set sizes=few", "Bad value 'few' for sizes")]
    [InlineData("run heap --set pattern=trees --set size=64", "Pattern trees has its own sizes")]
    [InlineData("run heap --set pattern=exchange --threads 3", "even number")]
    [InlineData("run heap --set pattern=pair --set sizes=4", "--set sizes has no meaning")]
    [InlineData("run heap --set pattern=remote --threads 1", "even number")]
    [InlineData("run heap --threads 0", "at least 1")]
    [InlineData("run heap --threads -1", "--threads")]
    [InlineData("run heap --threads 1,x", "Bad value 'x' for --threads")]
    [InlineData("run heap --threads 257", "Bad value '257'")]
    [InlineData("run heap --repeat 0", "--repeat")]
    [InlineData("run heap --repeat 1.5", "--repeat")]
    [InlineData("run heap --seconds NaN", "--seconds")]
    [InlineData("run heap --seconds -1", "--seconds")]
    [InlineData("run heap --pin --no-pin", "exclude")]
    [InlineData("run heap --nonsense", "--nonsense")]
    [InlineData("run heap --json /no/such/root/x.json", "Cannot write")]
    [InlineData("check --report /no/such/root/x.html", "Cannot write")]
    [InlineData("run trace --set trace=nonsense", "Bad value 'nonsense' for trace")]
    [InlineData("run trace --threads 2", "--threads 0")]
    [InlineData("run trace --threads 0 --variants native-glibc", "Nothing is left")]
    [InlineData("run frames --set order=11", "Bad value '11' for order")]
    [InlineData("run frames --set pattern=frag --set order=9", "frag")]
    [InlineData("run frames --threads 0", "at least 1")]
    [InlineData("run idle --threads 2", "1 thread")]
    [InlineData("run idle --set size=1", "nothing to set")]
    [InlineData("run reporting --set part=nonsense", "Bad value 'nonsense' for part")]
    [InlineData("run reporting --set blocks=1024", "Bad value '1024' for blocks: expected a whole number from 4096 to 262144")]
    [InlineData("run reporting --set blocks=262145", "Bad value '262145' for blocks")]
    [InlineData("run reporting --set part=burst --set blocks=4096", "no meaning for burst")]
    [InlineData("run reporting --set survivors=last", "Bad value 'last' for survivors: expected first|random")]
    [InlineData("run reporting --set part=scan --set survivors=random", "--set survivors has no meaning for scan")]
    [InlineData("run reporting --threads 0", "at least 1 and at most 16")]
    [InlineData("run reporting --threads 17", "at most 16")]
    [InlineData("run reporting --set part=scan --threads 2", "Part scan runs on 1 thread")]
    [InlineData("run reporting --set part=burst --variants off", "Nothing is left")]
    [InlineData("run zsmalloc --set part=nonsense", "Bad value 'nonsense' for part")]
    [InlineData("run zsmalloc --set compactors=65", "Bad value '65' for compactors")]
    [InlineData("run zsmalloc --set size=4097 --set part=read", "Bad value '4097' for size")]
    [InlineData("run zsmalloc --set part=density --set compactors=1", "no meaning")]
    [InlineData("run zsmalloc --set part=locks --set size=8", "no meaning")]
    [InlineData("run zsmalloc --set part=compaction --set compactors=0", "at least 1 compactor")]
    [InlineData("run zsmalloc --set part=density --threads 2", "runs on 1 thread")]
    [InlineData("run zsmalloc --threads 0", "at least 1")]
    [InlineData("run zsmalloc --set part=store --variants zbud", "Nothing is left")]
    [InlineData("run vmalloc --set test=nonsense", "Bad value 'nonsense' for test")]
    [InlineData("run vmalloc --set test=drain --set areas=1", "Bad value '1' for areas")]
    [InlineData("run vmalloc --set test=drain --set layout=heap", "Bad value 'heap' for layout")]
    [InlineData("run vmalloc --set test=drain --set policy=worker", "Bad value 'worker' for policy")]
    [InlineData("run vmalloc --set test=drain --set policy=worker:0:pages", "Bad value 'worker:0:pages' for policy")]
    [InlineData("run vmalloc --set test=flush --set lazy_max=0", "Bad value '0' for lazy_max")]
    [InlineData("run vmalloc --set test=flush --set areas=8192", "--set areas has no meaning for test flush")]
    [InlineData("run vmalloc --set test=fix_size_alloc --set pages=257", "Bad value '257' for pages")]
    [InlineData("run vmalloc --set test=vm_map_ram --set pages=65", "vm_map_ram has 1 to 64 pages")]
    [InlineData("run vmalloc --set test=drain --threads 1", "drain has 2 threads")]
    [InlineData("run vmalloc --set test=drain --variants mmap", "Nothing is left")]
    [InlineData("run vmalloc --threads 0", "at least 1")]
    [InlineData("run locality --set trace=nonsense", "Bad value 'nonsense' for trace")]
    [InlineData("run locality --threads 2", "1 thread")]
    [InlineData("run grow --set to=0", "Bad value '0' for to")]
    [InlineData("run grow --threads 2", "1 thread")]
    [InlineData("run codec --threads 0", "at least 1 thread")]
    [InlineData("locality --repeat 0", "--repeat")]
    [InlineData("record", "either a command after -- or --pid")]
    [InlineData("record --pid 1 -- true", "either a command after -- or --pid")]
    [InlineData("record --pid 0", "--pid")]
    [InlineData("record --pid 2147483647", "cannot be listened to")]
    [InlineData("record --records 0 -- true", "--records")]
    [InlineData("record --out trace.bin -- true", "must end in .gz")]
    [InlineData("record --out /proc/nowhere/x.gz -- true", "/proc/nowhere")]
    [InlineData("record -- /no/such/program", "Cannot run /no/such/program")]
    [InlineData("compare", "before")]
    [InlineData("compare a.json b.json --fail-above much", "--fail-above")]
    [InlineData("compare /no/such/a.json /no/such/b.json", "/no/such/a.json")]
    public void Mistakes_end_in_one_line_and_exit_code_2(string line, string complaint)
    {
        (int code, string said) = Run(line.Split(' '));
        Assert.Equal(2, code);
        Assert.Contains(complaint, said, StringComparison.Ordinal);
        Assert.Single(said.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public void A_broken_trace_ends_in_one_line_and_exit_code_2()
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():n}.nmtrace");
        File.WriteAllBytes(path, new TraceImage { Objects = 1 }.Add(2, 0).ToBytes());
        try
        {
            (int code, string said) = Run("run", "trace", "--set", $"trace={path}");
            Assert.Equal(2, code);
            Assert.Contains("record 0 uses object 0, which is not allocated", said, StringComparison.Ordinal);
            Assert.Single(said.TrimEnd('\n').Split('\n'));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static (int Code, string Said) Run(params string[] arguments)
    {
        using var complaints = new StringWriter();
        int code = LabCommandLine.Run(arguments, complaints);
        return (code, complaints.ToString());
    }
}
