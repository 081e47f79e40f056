// A program as users of the AWS SDK for Go write it: it takes the credentials that the SDK finds, and says whose they
// are. With a number, it goes on until it has called AWS with so many keys.
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	wanted := 1
	if len(os.Args) > 1 {
		number, err := strconv.Atoi(os.Args[1])
		stopOn(err)
		wanted = number
	}
	ctx := context.Background()
	settings, err := config.LoadDefaultConfig(ctx)
	stopOn(err)
	client := sts.NewFromConfig(settings, func(options *sts.Options) {
		// This version of the SDK does not read it.
		options.EndpointResolver = sts.EndpointResolverFromURL(os.Getenv("AWS_ENDPOINT_URL"))
	})
	keys := map[string]bool{}
	for {
		caller, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		stopOn(err)
		credentials, err := settings.Credentials.Retrieve(ctx)
		stopOn(err)
		if key := credentials.AccessKeyID; !keys[key] {
			keys[key] = true
			told, err := json.Marshal(map[string]string{"arn": aws.ToString(caller.Arn), "key": key})
			stopOn(err)
			os.Stdout.Write(append(told, '\n'))
		}
		if len(keys) >= wanted {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
}

func stopOn(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
