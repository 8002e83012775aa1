using System.Text.RegularExpressions;
using Xunit;

namespace NativeMm.Tests.Architecture;

/// <summary>What only one folder may do.</summary>
public sealed partial class FolderRuleTests
{
    [Fact]
    public void Only_primitives_touches_memory_order() => AssertOnlyIn("Primitives", MemoryOrder());

    [Fact]
    public void Only_platform_calls_the_system() => AssertOnlyIn("Platform", SystemCall());

    [Fact]
    public void Only_primitives_sleeps_or_joins() => AssertOnlyIn("Primitives", Sleeping());

    /// <summary>Their waits throw when the thread is interrupted, and their first contention allocates managed memory.</summary>
    [Fact]
    public void Nobody_takes_a_lock_of_the_runtime() =>
        Assert.Empty(SourceFile.All.Where(file => RuntimeLock().IsMatch(file.Code)).Select(file => file.Path));

    /// <summary>Threads of the library sleep on an event of the system; whoever sets it waits for nobody.</summary>
    [Fact]
    public void Only_background_threads_wait_for_an_event() => Assert.Equal(
        ["Primitives/BackgroundJob.cs", "Reporting/BackgroundPasses.cs", "Teardown/TeardownWorkers.Threads.cs", "Vmap/PurgeWorker.cs"],
        SourceFile.All.Where(file => file.Code.Contains("AutoResetEvent", StringComparison.Ordinal)).Select(file => file.Path));

    [Theory]
    [InlineData("lock (_gate)")]
    [InlineData("lock(this) { }")]
    [InlineData("Monitor.Enter(x);")]
    [InlineData("private readonly Lock _lock = new();")]
    [InlineData("System.Threading.Lock x;")]
    [InlineData("private readonly ManualResetEventSlim _quiet = new();")]
    [InlineData("var wait = default(SpinWait);")]
    [InlineData("SpinWait.SpinUntil(Done);")]
    [InlineData("private readonly SleepLock _lock;")]
    [InlineData("private static readonly SleepLock s_lock;")]
    public void Control_that_can_be_interrupted_is_caught(string text) => Assert.Matches(RuntimeLock(), CSharpText.WithoutCommentsAndLiterals(text));

    [Theory]
    [InlineData("using (_lock.EnterScope())")]
    [InlineData("Thread.SpinWait(3);")]
    [InlineData("private SleepLock _lock;")]
    [InlineData("stripe.Lock.Enter();")]
    [InlineData("// lock (x)")]
    public void What_cannot_be_interrupted_is_allowed(string text) => Assert.DoesNotMatch(RuntimeLock(), CSharpText.WithoutCommentsAndLiterals(text));

    [Theory]
    [InlineData("Thread.Sleep(1);")]
    [InlineData("_thread.Join();")]
    [InlineData("thread.Join(TimeSpan.Zero)")]
    public void Control_that_sleeps_is_caught(string text) => Assert.Matches(Sleeping(), CSharpText.WithoutCommentsAndLiterals(text));

    [Theory]
    [InlineData("x = Volatile.Read(ref y);")]
    [InlineData("System.Threading.Interlocked.Increment(ref y);")]
    [InlineData("private volatile int _x;")]
    [InlineData("Thread.MemoryBarrier();")]
    public void Control_that_orders_memory_is_caught(string text) => Assert.Matches(MemoryOrder(), CSharpText.WithoutCommentsAndLiterals(text));

    [Theory]
    [InlineData("[LibraryImport(\"libc\")]")]
    [InlineData("[DllImport(\"libc\")]")]
    [InlineData("NativeLibrary.Load(x);")]
    [InlineData("delegate* unmanaged<int, void> f;")]
    public void Control_that_calls_the_system_is_caught(string text) => Assert.Matches(SystemCall(), CSharpText.WithoutCommentsAndLiterals(text));

    private static void AssertOnlyIn(string folder, Regex what)
    {
        Assert.Contains(SourceFile.All, file => file.Folder == folder && what.IsMatch(file.Code));
        Assert.Empty(SourceFile.All.Where(file => file.Folder != folder && what.IsMatch(file.Code)).Select(file => file.Path));
    }

    [GeneratedRegex(@"\b(Volatile|Interlocked)\s*\.|\bvolatile\s|\bThread\s*\.\s*(MemoryBarrier|Volatile)")]
    private static partial Regex MemoryOrder();

    [GeneratedRegex(@"\bThread\s*\.\s*Sleep\b|(?<!\bstring)\.\s*Join\s*\(")]
    private static partial Regex Sleeping();

    [GeneratedRegex(
        @"\block\s*\(|\bMonitor\s*\.|(?<![\w.])(System\.Threading\.)?Lock\s+\w+|\b(ManualResetEvent|Semaphore|Barrier|Countdown|ReaderWriterLock)\w*\b"
        + @"|(?<!\bThread\s*\.\s*)\bSpinWait\b|\breadonly\s+SleepLock\b")]
    private static partial Regex RuntimeLock();

    [GeneratedRegex(@"\b(LibraryImport|DllImport)\b|\bNativeLibrary\s*\.|\bdelegate\s*\*\s*unmanaged")]
    private static partial Regex SystemCall();
}
