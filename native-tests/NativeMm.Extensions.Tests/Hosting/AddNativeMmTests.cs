using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using NativeMm.Extensions.Tests.Kestrel;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Extensions.Tests.Hosting;

public sealed class AddNativeMmTests
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Configuration_sets_every_option_and_the_code_has_the_last_word()
    {
        using IHost host = Build(
            [
                ("Name", "orders"), ("CapacityBytes", "128MiB"), ("FrameAllocator", "buddy"), ("BackgroundTrim", "false"), ("PurgeDelay", "250ms"),
                ("LargeRetainBytesMax", "1.5 GiB"), ("ThreadCacheBytesMax", "64 kB"), ("HugePages", "true"), ("Checked", "true"), ("Sampled", "false"),
                ("KestrelPool:BlockBytesMin", "8192"), ("KestrelPool:IdleDelay", "00:00:07"), ("KestrelPool:Checked", "true"),
            ],
            options => options.PurgeDelay *= 2);
        await host.StartAsync().WaitAsync(s_timeout);
        MemoryRuntimeOptions runtime = host.Services.GetRequiredService<MemoryRuntime>().Options;
        Assert.Equal("orders", runtime.Name);
        Assert.Equal(128UL << 20, runtime.CapacityBytes);
        Assert.Equal(FrameAllocatorKind.Buddy, runtime.FrameAllocator);
        Assert.False(runtime.BackgroundTrim);
        Assert.Equal(TimeSpan.FromMilliseconds(500), runtime.PurgeDelay);
        Assert.Equal(3UL << 29, runtime.LargeRetainBytesMax);
        Assert.Equal(64_000UL, runtime.ThreadCacheBytesMax);
        Assert.True(runtime.HugePages);
        Assert.True(runtime.Checked.Enabled);
        Assert.False(runtime.Sampled.Enabled);
        NativeMmOptions options = host.Services.GetRequiredService<IOptions<NativeMmOptions>>().Value;
        Assert.Equal(8192, options.KestrelPool.BlockBytesMin);
        Assert.Equal(TimeSpan.FromSeconds(7), options.KestrelPool.IdleDelay);
        Assert.True(options.KestrelPool.Checked);
        await host.StopAsync().WaitAsync(s_timeout);
    }

    [Theory]
    [InlineData("PurgeDelay", "5ms", "NativeMm:PurgeDelay is '00:00:00.0050000'; it must be 10 ms to 1 h.")]
    [InlineData("PurgeDelay", "5", "NativeMm:PurgeDelay is '5'; it must be 10 ms to 1 h.")]
    [InlineData("CapacityBytes", "1 MiB", "NativeMm:CapacityBytes is '1048576'; it must be 0 (automatic) or 64 MiB to 8 TiB.")]
    [InlineData("CapacityBytes", "much", "NativeMm:CapacityBytes is 'much'; it must be 0 (automatic) or 64 MiB to 8 TiB.")]
    [InlineData("FrameAllocator", "Slab", "NativeMm:FrameAllocator is 'Slab'; it must be LockFree or Buddy.")]
    [InlineData("FrameAllocator", "7", "NativeMm:FrameAllocator is '7'; it must be LockFree or Buddy.")]
    [InlineData("FrameAllocator", "1", "NativeMm:FrameAllocator is '1'; it must be LockFree or Buddy.")]
    [InlineData("FrameAllocator", "LockFree,Buddy", "NativeMm:FrameAllocator is 'LockFree,Buddy'; it must be LockFree or Buddy.")]
    [InlineData("CapacityBytes", "0.5", "NativeMm:CapacityBytes is '0.5'; it must be 0 (automatic) or 64 MiB to 8 TiB.")]
    [InlineData("KestrelPool", "4096", "NativeMm:KestrelPool is no option; there are Name, CapacityBytes,")]
    [InlineData("HugePages", "yes", "NativeMm:HugePages is 'yes'; it must be true or false.")]
    [InlineData("Name", "  ", "NativeMm:Name is '  '; it must be a text that is not empty.")]
    [InlineData("LargeRetainBytesMax", "-1", "NativeMm:LargeRetainBytesMax is '-1'; it must be 0 to 9223372036854775807 bytes (8 EiB - 1).")]
    [InlineData("CapacityBytes", "9999999999GiB", "NativeMm:CapacityBytes is '9999999999GiB'; it must be 0 (automatic) or 64 MiB to 8 TiB.")]
    [InlineData(
        "ThreadCacheBytesMax",
        "99999999999999999999TiB",
        "NativeMm:ThreadCacheBytesMax is '99999999999999999999TiB'; it must be 0 to 9223372036854775807 bytes (8 EiB - 1).")]
    [InlineData("TotalMemoryLimit", "99999999999999999999TiB", "it must be 128 MiB to 9223372036854775807 bytes, or a share such as 90% that comes to that.")]
    [InlineData("KestrelPool:BlockBytesMin", "5000", "NativeMm:KestrelPool:BlockBytesMin is '5000'; it must be a power of two from 512 to 1048576.")]
    [InlineData("KestrelPool:IdleDelay", "2h", "NativeMm:KestrelPool:IdleDelay is '02:00:00'; it must be 100 ms to 1 h.")]
    [InlineData("PurgeDealy", "1s", "NativeMm:PurgeDealy is no option; there are Name, CapacityBytes,")]
    public async Task Wrong_option_stops_the_start_and_is_named_with_its_value_and_range(string key, string value, string message)
    {
        using IHost host = Build([(key, value)]);
        OptionsValidationException thrown = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync().WaitAsync(s_timeout));
        Assert.Contains(message, thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_wrong_options_are_named_at_once()
    {
        using IHost host = Build([("PurgeDelay", "5"), ("HugePages", "maybe")]);
        OptionsValidationException thrown = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync().WaitAsync(s_timeout));
        Assert.Equal(2, thrown.Failures.Count());
    }

    [Fact]
    public async Task What_is_out_of_its_range_is_named_beside_what_means_nothing()
    {
        using IHost host = Build([("PurgeDelay", "5"), ("CapacityBytes", "1 MiB"), ("KestrelPool:IdleDelay", "2h"), ("PurgeDealy", "1s"), ("Name", "")]);
        OptionsValidationException thrown = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync().WaitAsync(s_timeout));
        Assert.Equal(4, thrown.Failures.Count());
        Assert.Contains("NativeMm:PurgeDelay is '5'; it must be 10 ms to 1 h.", thrown.Failures);
        Assert.Contains("NativeMm:CapacityBytes is '1 MiB'; it must be 0 (automatic) or 64 MiB to 8 TiB.", thrown.Failures);
        Assert.Contains("NativeMm:KestrelPool:IdleDelay is '2h'; it must be 100 ms to 1 h.", thrown.Failures);
    }

    [Fact]
    public async Task Section_that_is_a_value_stops_the_start()
    {
        using IHost host = Build([], more: services => services.AddSingleton<IConfiguration>(
            new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create("NativeMm", (string?)"on")]).Build()));
        OptionsValidationException thrown = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync().WaitAsync(s_timeout));
        Assert.Contains("NativeMm is 'on'; it must be a section of options: Name, CapacityBytes,", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Configuration_that_changes_changes_nothing_whatever_it_says()
    {
        using IHost host = Build([("PurgeDelay", "250ms")]);
        await host.StartAsync().WaitAsync(s_timeout);
        var configuration = (IConfigurationRoot)host.Services.GetRequiredService<IConfiguration>();
        configuration["NativeMm:PurgeDelay"] = "never";
        configuration.Reload();
        Assert.Equal(TimeSpan.FromMilliseconds(250), host.Services.GetRequiredService<MemoryRuntime>().Options.PurgeDelay);
        Assert.Equal(TimeSpan.FromMilliseconds(250), host.Services.GetRequiredService<IOptionsMonitor<NativeMmOptions>>().CurrentValue.PurgeDelay);
        await host.StopAsync().WaitAsync(s_timeout);
    }

    /// <summary>Hosts spell a colon of the configuration so in variables; the note would say that they have no effect.</summary>
    [Theory]
    [InlineData("NativeMm__PurgeDelay", 0)]
    [InlineData("NATIVEMM__KESTRELPOOL__IDLEDELAY", 0)]
    [InlineData("NATIVEMM_PURGEDELAY", 1)]
    public void Variable_of_the_configuration_is_not_said_to_have_no_effect(string name, int notes) =>
        Assert.Equal(notes, EnvironmentNotes.Of([name], _ => "250ms", isChecked: false, isSampled: false, "service").Count(note => note.Contains(name, StringComparison.Ordinal)));

    [Fact]
    public async Task What_the_code_sets_wrong_stops_the_start_too()
    {
        using IHost host = Build([], options => options.ConfigureRuntime = made => made with { Reporting = made.Reporting with { Delay = TimeSpan.FromDays(9) } });
        OptionsValidationException thrown = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync().WaitAsync(s_timeout));
        Assert.Contains("Delay", thrown.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(nameof(NativeMmOptions.KestrelPool))]
    [InlineData(nameof(NativeMmOptions.DistributedCache))]
    [InlineData(nameof(NativeMmOptions.OutputCache))]
    public async Task Part_that_the_code_takes_away_is_named(string part)
    {
        using IHost host = Build([], options => typeof(NativeMmOptions).GetProperty(part)!.SetValue(options, null));
        OptionsValidationException thrown = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync().WaitAsync(s_timeout));
        Assert.Equal($"NativeMm:{part} is null.", thrown.Message);
    }

    /// <summary>The framework's reading makes 24 days of 24:00:00.</summary>
    [Theory]
    [InlineData("24:00:00", 24)]
    [InlineData("23:30:00", 23.5)]
    [InlineData("100:30:00", 100.5)]
    [InlineData("1.00:00:00", 24)]
    [InlineData("2:00:00:00", 48)]
    [InlineData("1:30", 1.5)]
    public void Hours_are_hours(string text, double hours)
    {
        using IHost host = Build([("DistributedCache:DefaultExpiration", text)]);
        Assert.Equal(TimeSpan.FromHours(hours), host.Services.GetRequiredService<IOptions<NativeMmOptions>>().Value.DistributedCache.DefaultExpiration);
    }

    [Theory]
    [InlineData("24:60:00")]
    [InlineData("24:00:61")]
    [InlineData("2000000000:00:00")]
    [InlineData(":00:00")]
    public void What_is_no_time_is_refused(string text)
    {
        using IHost host = Build([("DistributedCache:DefaultExpiration", text)]);
        OptionsValidationException thrown = Assert.Throws<OptionsValidationException>(() => host.Services.GetRequiredService<IOptions<NativeMmOptions>>().Value);
        Assert.Contains(text, thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Runtime_is_one_and_ends_with_the_host()
    {
        MemoryRuntime runtime;
        using (IHost host = Build([]))
        {
            await host.StartAsync().WaitAsync(s_timeout);
            runtime = host.Services.GetRequiredService<MemoryRuntime>();
            Assert.Same(runtime, host.Services.GetRequiredService<MemoryRuntime>());
            Assert.Equal("service", runtime.Options.Name);
            await host.StopAsync().WaitAsync(s_timeout);
            runtime.Validate();
        }

        Assert.Throws<ObjectDisposedException>(() => { runtime.GetStatistics(); });
    }

    [Fact]
    public async Task Second_call_only_adds_to_the_options()
    {
        using IHost host = Build([], options => options.Name = "first", services => services.AddNativeMm(options => options.Name += " and second"));
        await host.StartAsync().WaitAsync(s_timeout);
        Assert.Equal("first and second", host.Services.GetRequiredService<MemoryRuntime>().Options.Name);
        Assert.Single(host.Services.GetServices<IHostedService>(), service => service is NativeMmHostedService);
    }

    [Fact]
    public async Task Works_without_a_configuration()
    {
        await using ServiceProvider services = new ServiceCollection().AddNativeMm(options => options.CapacityBytes = 64 << 20).Services.BuildServiceProvider();
        Assert.Equal(64UL << 20, services.GetRequiredService<MemoryRuntime>().Options.CapacityBytes);
    }

    [Fact]
    public async Task Host_that_stops_under_load_loses_no_response_and_no_block()
    {
        NativeMemoryPoolFactory factory;
        int served = 0;
        await using (KestrelServer server = await KestrelServer.StartAsync(null, services => services.AddNativeMm(o => o.CapacityBytes = 64 << 20).AddKestrelPool()))
        {
            factory = server.Services.GetRequiredService<NativeMemoryPoolFactory>();
            Assert.Same(factory, server.Services.GetRequiredService<IMemoryPoolFactory<byte>>());
            using HttpClient client = server.MakeClient("h1");
            byte[] body = KestrelServer.Body(200_000);
            var enough = new TaskCompletionSource();
            Task[] clients = [.. Enumerable.Range(0, 8).Select(async _ =>
            {
                while (true)
                {
                    HttpResponseMessage response;
                    try
                    {
                        response = await client.PostAsync("/echo", new ByteArrayContent(body));
                    }
                    catch (HttpRequestException)
                    {
                        // The server takes no new requests. One that it took it answers.
                        return;
                    }

                    Assert.Equal(body, await response.Content.ReadAsByteArrayAsync());
                    if (Interlocked.Increment(ref served) == 20)
                    {
                        enough.SetResult();
                    }
                }
            })];
            await enough.Task.WaitAsync(s_timeout);
            await server.StopAsync();
            await Task.WhenAll(clients).WaitAsync(s_timeout);
            Assert.True(factory.GetStatistics()["kestrel"].RentedBytes > 0);
        }

        Assert.Equal(0, factory.GetStatistics()["kestrel"].RentsNow);
    }

    private static IHost Build(
        (string Key, string Value)[] configuration, Action<NativeMmOptions>? configure = null, Action<IServiceCollection>? more = null)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(configuration.Select(entry => KeyValuePair.Create($"NativeMm:{entry.Key}", (string?)entry.Value)));
        builder.Services.AddNativeMm(configure);
        more?.Invoke(builder.Services);
        return builder.Build();
    }
}
