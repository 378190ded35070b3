#!/usr/bin/env node
import { main } from '../dist/segctl.js';

process.exitCode = await main(process.argv.slice(2));
